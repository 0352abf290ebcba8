"""GitLab jobs that would each compile one builder group on a cold runner become one job."""
