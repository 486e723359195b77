// Package pipeline contains only tests of cloudbuild.yaml and of the scripts that its steps run: that Cloud Build's
// API would accept the file, that what it names exists, and what the scripts do, with stand-ins for the commands that
// need a cloud. Only a first run can show what a build does there.
package pipeline
