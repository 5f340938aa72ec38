"""What an administrator does with a policy before it is pushed."""
