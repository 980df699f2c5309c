package natsd

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// loginWait is how long a login may be held: less than the patience of common MQTT clients.
const loginWait = 8 * time.Second

// The names of the connections from within. Their secrets are new with each process.
const (
	userName  = "program"
	adminName = "system"
)

type checker func(server.ClientAuthentication) bool

func (f checker) Check(c server.ClientAuthentication) bool { return f(c) }

func (s *Server) check(held context.Context, ns *server.Server, c server.ClientAuthentication) bool {
	remote := c.RemoteAddress()
	if remote == nil {
		return false // closed meanwhile
	}
	if remote.Network() == "pipe" {
		return s.checkWithin(ns, c)
	}
	clientID, ok := mqttClientID(c)
	if !ok || s.mqtt.Login == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(held, loginWait)
	defer cancel()
	o := c.GetOpts()
	publish, subscribe, err := s.mqtt.Login(ctx, c.GetID(), clientID, o.Username, o.Password)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			// Nothing is wrong with the credentials, so the device must not be told so.
			disconnect(ns, c.GetID())
		}
		return false
	}
	c.RegisterUser(&server.User{Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: subscribe},
	}})
	return true
}

func (s *Server) checkWithin(ns *server.Server, c server.ClientAuthentication) bool {
	o := c.GetOpts()
	switch o.Username {
	case userName:
		return subtle.ConstantTimeCompare([]byte(o.Password), []byte(s.user)) == 1
	case adminName:
		if subtle.ConstantTimeCompare([]byte(o.Password), []byte(s.admin)) != 1 {
			return false
		}
		c.RegisterUser(&server.User{Account: ns.SystemAccount()})
		return true
	}
	return false
}

// mqttClientID reads the client id out of how the server names a connection,
// such as `127.0.0.1:4711 - mid:7 - "s-001"`. The server gives it away nowhere
// else but in Connz, which copies the table of all connections for each call.
func mqttClientID(c server.ClientAuthentication) (string, bool) {
	_, quoted, found := strings.Cut(fmt.Sprint(c), " - mid:"+strconv.FormatUint(c.GetID(), 10)+" - ")
	if !found {
		return "", false
	}
	id, err := strconv.Unquote(quoted)
	return id, err == nil
}
