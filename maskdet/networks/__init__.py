"""Detection networks in Keras 3, written with `keras.ops` alone: any Keras backend runs them."""
