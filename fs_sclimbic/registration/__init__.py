"""Where a head lies: the search for it, its transform to MNI305, eTIV."""
