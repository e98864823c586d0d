"""What a job that takes all the processor it can get costs the chat beside it."""
