"""The terminal's needs of a full-screen program: text in cells, fewer bytes, plain signs, repair afterwards."""
