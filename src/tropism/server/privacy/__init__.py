"""What is blotted out before it is stored, and what is deleted for good."""
