"""Several looks at one image: the whole, made small for close faces, parts of it for small ones."""
