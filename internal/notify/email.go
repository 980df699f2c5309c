package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// The ways in which the connection to a mail server is secret.
const (
	StartTLS    = "starttls" // it becomes so before anything is said
	ImplicitTLS = "tls"      // it is so from the beginning
	PlainText   = "none"     // it is not: only for a server on this machine
)

// EmailOptions name a mail server; mailboxes are the addresses.
type EmailOptions struct {
	Server   string // host:port
	TLS      string // StartTLS, ImplicitTLS or PlainText
	Username string // empty: it asks for none
	Password string
	From     string // perhaps with a name before it
	Trust    *tls.Config
}

// NewEmail returns the channel of e-mail.
func NewEmail(o EmailOptions) (Channel, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, errors.New("from must be a mailbox such as 甘霖 <ganlin@example.org>")
	}
	host, port, err := net.SplitHostPort(o.Server)
	if err != nil {
		return nil, errors.New("server must be host:port, such as smtp.example.org:587")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Errorf("port %q is not 1 to 65535", port)
	}
	e := &email{o: o, from: from, host: host, port: int(n)}
	e.trust = &tls.Config{MinVersion: tls.VersionTLS12}
	if o.Trust != nil {
		e.trust = o.Trust.Clone()
	}
	e.trust.ServerName = host
	return e, nil
}

type email struct {
	o     EmailOptions
	from  *netmail.Address
	host  string
	port  int
	trust *tls.Config
}

func checkMailbox(to Address) error {
	if a, err := netmail.ParseAddress(to.place); err != nil || a.Name != "" || a.Address != to.place {
		return errors.New("the address must be a mailbox such as name@example.org, and nothing else")
	}
	return nil
}

func (e *email) Line(Address) string { return "" }
func (e *email) Pace() time.Duration { return 0 }

// Send hands a message to the mail server, over a connection of its own. Some
// mailboxes drop what comes again under the same Message-ID.
func (e *email) Send(ctx context.Context, m Message) error {
	letter, err := e.letter(m)
	if err != nil {
		return &Error{What: "the message is no e-mail"}
	}
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	client, err := mail.NewClient(e.host, append(e.options(), mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		if e.o.TLS == ImplicitTLS {
			conn, err = (&tls.Dialer{Config: e.trust}).DialContext(ctx, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		}
		return conn, err
	}))...)
	if err != nil {
		return &Error{What: "the mail server is not described well", Hint: "ganlin check says what is wrong", Again: true, Shared: true}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return e.explain(ctx, m.To, err, false)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the library does not look at ctx from here on
	defer stop()
	err = client.SendWithSMTPClient(session, letter)
	if failed, ok := errors.AsType[*mail.SendError](err); err == nil || ok && failed.Reason == mail.ErrSMTPReset {
		_ = client.CloseWithSMTPClient(session) // the message was taken, however the rest goes
		return nil
	}
	return e.explain(ctx, m.To, err, true)
}

func (e *email) options() []mail.Option {
	o := []mail.Option{mail.WithPort(e.port), mail.WithTimeout(sendTime), mail.WithTLSConfig(e.trust)}
	switch e.o.TLS {
	case PlainText:
		o = append(o, mail.WithTLSPolicy(mail.NoTLS))
	case ImplicitTLS: // the dialer has seen to it, and the library finds it there
		o = append(o, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		o = append(o, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if e.o.Username != "" {
		o = append(o, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(e.o.Username), mail.WithPassword(e.o.Password))
	}
	return o
}

func (e *email) letter(m Message) (*mail.Msg, error) {
	letter := mail.NewMsg(mail.WithNoDefaultUserAgent())
	letter.FromMailAddress(e.from)
	if err := letter.To(m.To.place); err != nil {
		return nil, err
	}
	letter.Subject(m.Title)
	letter.SetDate()
	_, domain, _ := strings.Cut(e.from.Address, "@")
	letter.SetMessageIDWithValue(m.ID + "@" + domain)
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Urgent {
		letter.SetImportance(mail.ImportanceHigh)
	}
	letter.SetBodyString(mail.TypeTextPlain, m.Text+"\n")
	return letter, nil
}

// explain says what went wrong in a conversation with the mail server. spoken
// says that it had begun to take the message.
func (e *email) explain(ctx context.Context, to Address, err error, spoken bool) *Error {
	code, status, reason := 0, "", mail.ErrConnCheck
	if failed, ok := errors.AsType[*mail.SendError](err); ok {
		code, status, reason = failed.ErrorCode(), failed.EnhancedStatusCode(), failed.Reason
	} else if said, ok := errors.AsType[*textproto.Error](err); ok {
		code = said.Code
	}
	if code == 0 {
		if strings.Contains(err.Error(), "STARTTLS") {
			return &Error{What: "the mail server offers no STARTTLS", Hint: "write tls: tls for a port such as 465", Again: true, Shared: true}
		}
		if errors.Is(err, mail.ErrNoSupportedAuthDiscovered) || strings.Contains(err.Error(), "SMTP AUTH") {
			return &Error{What: "the mail server offers no way to sign in that is safe", Hint: "see whether tls is right, and whether the server wants a user name at all", Again: true, Shared: true}
		}
		broken := unreached(ctx, err)
		broken.Doubt = spoken && reason == mail.ErrSMTPDataClose
		return broken
	}
	out := &Error{What: strings.TrimSpace(fmt.Sprintf("the mail server answers %d %s", code, status)), Said: to.scrub(err.Error()), Again: code < 500}
	switch {
	case !spoken && (code == 530 || code == 534 || code == 535 || code == 538):
		out.Again, out.Shared, out.Hint = true, true, "it does not take user name and password: give the right ones in the configuration (some want an authorisation code 授权码) and start again; the message waits"
	case !spoken:
		out.Again, out.Shared = true, true
	case reason == mail.ErrSMTPMailFrom:
		out.Again, out.Shared, out.Hint = true, true, "it does not take messages from this sender: from has to be a mailbox of the user name"
	case reason == mail.ErrSMTPRcptTo && code >= 500:
		out.Hint = "it knows no such mailbox, or refuses it: see whether the contact's address is right"
	}
	return out
}
