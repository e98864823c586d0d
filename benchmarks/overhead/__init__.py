"""What a data plane costs per request, next to nginx and LiteLLM, in front of one fast mock upstream."""
