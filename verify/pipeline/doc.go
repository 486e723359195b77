// Package pipeline holds no code, only tests of cloudbuild.yaml and of the scripts that its steps are: that Cloud
// Build's API would take the file, that what it names exists, and what the scripts do, with stand-ins for the
// commands that need a cloud. What a build does there is for a first run to show.
package pipeline
