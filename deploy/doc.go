// Package deploy is what the program is deployed with: the systemd unit and the image. It holds no code; its tests hold both
// against what the program needs.
package deploy
