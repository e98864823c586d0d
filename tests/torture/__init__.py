"""What must hold whatever happens to the engine, its disk, its clock and its neighbours."""
