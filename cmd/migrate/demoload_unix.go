//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// alone keeps the terminal's Ctrl-C from a process.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
