"""The shape of the house: who may import whom, how long a file may be, where each word of the API lives."""
