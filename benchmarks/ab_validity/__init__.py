"""Simulated A/B tests: how often each rule is wrong under a look after every feedback, and what it costs."""
