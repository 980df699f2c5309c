package natsd

import (
	"context"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// mqttHeader is what the server puts before the payload of each MQTT message; its size limit counts both.
const mqttHeader = "NATS/1.0\r\nNmqtt-Pub:1\r\n\r\n"

func (s *Server) newServer(held context.Context) (*server.Server, error) {
	o := &server.Options{}
	// There is no field for this one. A QoS 2 message would be stored by the server first, past our answer.
	if err := o.ProcessConfigString("mqtt { reject_qos2_publish: true }"); err != nil {
		return nil, err
	}
	o.ServerName = "ganlin"
	o.DontListen = true
	o.NoSigs = true
	o.DisableJetStreamBanner = true
	o.MaxPayload = MaxMessage + int32(len(mqttHeader))
	// The server gives up on a connection that reads too slowly. For the
	// program's own that would cost every device its connection, so they may
	// fall behind by what a fast network brings while AnswerTimeout lasts.
	o.MaxPending = 512 << 20
	o.WriteDeadline = time.Minute
	o.MaxClosedClients = 100 // the server remembers them for a monitoring page that we do not have

	o.JetStream = true
	o.StoreDir = s.store
	o.SyncAlways = true
	// By default the server takes three quarters of the free space for its
	// limit, so a journal that fits today would be refused at a start after it
	// has grown. The journal has a limit of its own.
	o.JetStreamMaxStore = math.MaxInt64
	o.JetStreamMaxMemory = 256 << 20

	if s.mqtt.Address != "" {
		if err := s.listen(&o.MQTT); err != nil {
			return nil, err
		}
	}
	ns := new(*server.Server)
	o.CustomClientAuthentication = checker(func(c server.ClientAuthentication) bool { return s.check(held, *ns, c) })
	var err error
	*ns, err = server.NewServer(o)
	return *ns, err
}

func (s *Server) listen(o *server.MQTTOpts) error {
	host, port, err := net.SplitHostPort(s.mqtt.Address)
	if err != nil {
		return err
	}
	if o.Port, err = strconv.Atoi(port); err != nil {
		return fmt.Errorf("port of %s: %w", s.mqtt.Address, err)
	}
	if o.Port == 0 {
		o.Port = -1 // the server's word for any free port; 0 would be no listener
	}
	o.Host = host
	o.TLSConfig = s.mqtt.TLS
	o.JSAPITimeout = s.mqtt.AnswerTimeout
	// A handshake over a narrow-band radio link takes many seconds; the default is 2 s.
	o.TLSTimeout, o.AuthTimeout = 30, 30
	return nil
}

// listening returns the configured address with the port that the listener really has.
func listening(ns *server.Server, configured string) (string, error) {
	v, err := ns.Varz(nil)
	if err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(configured)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(v.MQTT.Port)), nil
}
