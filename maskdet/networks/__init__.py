"""Detection networks in Keras 3, written with `keras.ops` alone: they run on every Keras backend."""
