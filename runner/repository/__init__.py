"""The git repository round the workspace, read and pushed through the git binary."""
