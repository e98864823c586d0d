"""What is told of what happens: to Prometheus, to the log, and to OpenTelemetry."""
