"""Sources on disk: videos, images, folders of images."""
