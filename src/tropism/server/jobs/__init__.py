"""Jobs: who does them, what happens when a worker dies, and the one file that knows the job engine."""
