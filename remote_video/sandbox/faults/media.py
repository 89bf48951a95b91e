FAULTS: tuple = ()
