package testserver

import "os/exec"

var (
	Children     = children
	Poll         = poll
	RedisCommand = redisCommand
	State        = state
)

// StartCommand starts a program that logs "ready" when it is.
func StartCommand(command func(dir, port string) *exec.Cmd) (*Server, error) {
	return start(kind{name: "command", url: "%s", command: command, ready: logged("ready")})
}

func (s *Server) Stop() { s.stop() }
