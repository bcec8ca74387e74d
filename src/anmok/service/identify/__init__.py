"""The pages: give a photo, read the answer, delete the photo."""
