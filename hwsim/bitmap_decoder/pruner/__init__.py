"""The pruner: which elements of a vector are kept, and their bitmaps and values as the decoder takes them."""
