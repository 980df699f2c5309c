package natsd

import (
	"log/slog"
	"net"

	"github.com/nats-io/nats-server/v2/server"
)

// Pipe gives tests the bare pipe into the server.
func Pipe(s *Server) (net.Conn, error) { return inProcess{s}.InProcessConn() }

// NewLogger gives tests what the server writes its log to.
func NewLogger(log *slog.Logger, forbidden func(uint64)) server.Logger {
	return newLogger(log, forbidden)
}
