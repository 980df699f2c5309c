package notify_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"ganlin/internal/notify"
)

// A postOffice is a mail server that takes letters, or answers as it is told.
type postOffice struct {
	mu      sync.Mutex
	letters [][]byte
	secure  []bool // whether each came over TLS
	answer  map[string]*smtp.SMTPError
	hang    chan struct{} // the answer to a letter waits for it; nil: it does not
}

func (o *postOffice) says(to string) error {
	if e := o.answer[to]; e != nil {
		return e
	}
	return nil
}

func (o *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	return &visit{o, secure}, nil
}

type visit struct {
	*postOffice
	tls bool
}

func (*visit) Reset()                                     {}
func (*visit) Logout() error                              { return nil }
func (v *visit) AuthMechanisms() []string                 { return []string{sasl.Plain} }
func (v *visit) Mail(string, *smtp.MailOptions) error     { return v.says("mail") }
func (v *visit) Rcpt(_ string, _ *smtp.RcptOptions) error { return v.says("rcpt") }
func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if name != "ganlin" || password != "p4ss" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong: " + password}
		}
		return nil
	}), nil
}

func (v *visit) Data(r io.Reader) error {
	letter, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if v.hang != nil {
		<-v.hang
	}
	if err := v.says("data"); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.letters, v.secure = append(v.letters, letter), append(v.secure, v.tls)
	return nil
}

// silent is the log of a mail server whose clients break off.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// open lets a post office listen, with TLS from the beginning or offered.
func (o *postOffice) open(t *testing.T, implicit bool) (address string, trust *tls.Config) {
	t.Helper()
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(certified.Close)
	pool := x509.NewCertPool()
	pool.AddCert(certified.Certificate())
	s := smtp.NewServer(o)
	s.Domain, s.ErrorLog = "localhost", silent{}
	s.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	if implicit {
		l = tls.NewListener(l, s.TLSConfig)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return address, &tls.Config{RootCAs: pool}
}

const mailbox = "canary.li@example.org"

func letter() notify.Message {
	return notify.Message{
		ID: "0123abc", To: notify.NewAddress(mailbox, ""), Title: "今晚浇水：后坡三号 18 毫米",
		Text: "今晚浇水：后坡三号 18 毫米，约 3 小时 10 分。阀门会在 21:00 自动打开。\n看详情、开关阀门：https://ganlin.example.org/my", Urgent: true,
	}
}

func TestEmail(t *testing.T) {
	for name, implicit := range map[string]bool{notify.StartTLS: false, notify.ImplicitTLS: true} {
		t.Run(name, func(t *testing.T) {
			o := &postOffice{}
			address, trust := o.open(t, implicit)
			c, err := notify.NewEmail(notify.EmailOptions{Server: address, TLS: name, From: "甘霖 <ganlin@example.org>", Username: "ganlin", Password: "p4ss", Trust: trust})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // once more, as after a crash
				if err := c.Send(t.Context(), letter()); err != nil {
					t.Fatal(err)
				}
			}
			if len(o.letters) != 2 || !o.secure[0] {
				t.Fatalf("%d letters, over TLS %v", len(o.letters), o.secure)
			}
			for _, text := range o.letters {
				m, err := mail.ReadMessage(bytes.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				title, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
				from, _ := mail.ParseAddress(m.Header.Get("From"))
				if err != nil || title != letter().Title || m.Header.Get("Message-ID") != "<0123abc@example.org>" || from.Name != "甘霖" ||
					m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Importance") != "high" {
					t.Errorf("%q, %v", title, m.Header)
				}
				if body, _ := io.ReadAll(m.Body); !strings.Contains(string(body), "=E4=BB=8A=E6=99=9A") { // 今晚
					t.Errorf("%s", body)
				}
			}
		})
	}
}

func TestEmailThatIsNotTaken(t *testing.T) {
	said := func(code int, a, b, c int) *smtp.SMTPError {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: "not for " + mailbox}
	}
	for name, c := range map[string]struct {
		change               func(*notify.EmailOptions)
		answer               map[string]*smtp.SMTPError
		what                 string
		again, shared, doubt bool
	}{
		"no such mailbox":                  {answer: map[string]*smtp.SMTPError{"rcpt": said(550, 5, 1, 1)}, what: "the mail server answers 550 5.1.1; it knows no such mailbox"},
		"mailbox full":                     {answer: map[string]*smtp.SMTPError{"rcpt": said(452, 4, 2, 2)}, what: "the mail server answers 452 4.2.2", again: true},
		"wrong sender":                     {answer: map[string]*smtp.SMTPError{"mail": said(553, 5, 7, 1)}, what: "from has to be a mailbox", again: true, shared: true},
		"letter refused":                   {answer: map[string]*smtp.SMTPError{"data": said(554, 5, 7, 1)}, what: "the mail server answers 554 5.7.1"},
		"letter later":                     {answer: map[string]*smtp.SMTPError{"data": said(451, 4, 3, 0)}, what: "451 4.3.0", again: true},
		"wrong password":                   {change: func(o *notify.EmailOptions) { o.Password = "s3cret" }, what: "535; it does not take user name and password", again: true, shared: true},
		"nobody listens":                   {change: func(o *notify.EmailOptions) { o.Server = "127.0.0.1:1" }, what: "the connection is refused", again: true, shared: true},
		"unknown authority":                {change: func(o *notify.EmailOptions) { o.Trust = nil }, what: "signed by nobody whom this machine trusts", again: true, shared: true},
		"TLS where there is none at first": {change: func(o *notify.EmailOptions) { o.TLS = notify.ImplicitTLS }, what: "the connection broke off", again: true, shared: true},
		"password in the clear":            {change: func(o *notify.EmailOptions) { o.TLS = notify.PlainText }, what: "no way to sign in that is safe", again: true, shared: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := &postOffice{answer: c.answer}
			address, trust := o.open(t, false)
			options := notify.EmailOptions{Server: address, TLS: notify.StartTLS, From: "ganlin@example.org", Username: "ganlin", Password: "p4ss", Trust: trust}
			if c.change != nil {
				c.change(&options)
			}
			channel, err := notify.NewEmail(options)
			if err != nil {
				t.Fatal(err)
			}
			judge(t, channel.Send(t.Context(), letter()), c.what, c.again, c.shared, c.doubt)
		})
	}
}

// judge holds an error against what it should say. It never says who, nor a secret.
func judge(t *testing.T, err error, what string, again, shared, doubt bool) {
	t.Helper()
	e, ok := errors.AsType[*notify.Error](err)
	if !ok {
		t.Fatalf("%v (%T), want %q", err, err, what)
	}
	if !strings.Contains(e.Error(), what) || e.Again != again || e.Shared != shared || e.Doubt != doubt {
		t.Errorf("%q again=%t shared=%t doubt=%t, want %q %t %t %t", e.Error(), e.Again, e.Shared, e.Doubt, what, again, shared, doubt)
	}
	for _, hidden := range []string{"canary", "s3cret", "13800138000"} {
		if strings.Contains(e.Error(), hidden) {
			t.Errorf("it says who or a secret: %s", e.Error())
		}
		if hidden != "s3cret" && strings.Contains(e.Said, hidden) {
			t.Errorf("what the other side said is not cleaned: %s", e.Said)
		}
	}
}

// TestAMailServerThatHangs is left in time, and it is not known whether the letter went.
func TestAMailServerThatHangs(t *testing.T) {
	o := &postOffice{hang: make(chan struct{})}
	defer close(o.hang)
	address, trust := o.open(t, false)
	c, err := notify.NewEmail(notify.EmailOptions{Server: address, TLS: notify.StartTLS, From: "ganlin@example.org", Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	judge(t, c.Send(ctx, letter()), "no answer within", true, true, true)
}
