# Install and export come with packaging.
