"""What terminals need of a full-screen program: fewer bytes, plain signs, and being put right afterwards."""
