"""Jobs: the rows and who may change them, the workers and how they die, the faces that people see."""
