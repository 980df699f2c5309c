// The receiver is an example of a program that takes Ganlin's signals: it
// catches up from the feed, takes webhooks, verifies and de-duplicates, and
// keeps in a file how each clue stands. It knows the API and nothing of Ganlin.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, log, os.Args[1:]); err != nil {
		log.Error("the receiver ends", "error", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

func run(ctx context.Context, log *slog.Logger, args []string) error {
	flags := flag.NewFlagSet("receiver", flag.ContinueOnError)
	api := flags.String("api", "http://127.0.0.1:8080", "where Ganlin's API is")
	tokenFile := flags.String("token-file", "token", "file with the monitor's token")
	stateFile := flags.String("state", "state.json", "file that keeps what is known")
	listen := flags.String("listen", "", "where webhooks are taken, such as 127.0.0.1:9090; empty: catch up from the feed and end")
	secretFile := flags.String("secret-file", "secret", "file with the webhook's secret, whsec_…")
	if err := flags.Parse(args); err != nil {
		return err
	}
	state, err := load(*stateFile)
	if err != nil {
		return err
	}
	token, err := readText(*tokenFile)
	if err != nil {
		return err
	}
	taken, err := catchUp(ctx, feed{*api, token}, state)
	if err != nil {
		return err
	}
	log.Info("caught up", "signals", taken, "clues", len(state.Clues), "cursor", state.Cursor)
	if *listen == "" {
		return nil
	}
	secret, err := readText(*secretFile)
	if err != nil {
		return err
	}
	return serve(ctx, log, *listen, secret, state)
}

// serve takes webhooks until ctx ends.
func serve(ctx context.Context, log *slog.Logger, address, secret string, state *state) error {
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return errors.New("the secret cannot be read; it begins with whsec_")
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	log.Info("taking webhooks", "address", listener.Addr().String())
	server := &http.Server{Handler: taker{log, hook, state}, ReadTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Shutdown(context.WithoutCancel(ctx)) })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// A taker takes webhooks. It answers 200 once the state is on disk: until then
// Ganlin sends again, so that nothing is lost on the way.
type taker struct {
	log   *slog.Logger
	hook  *standardwebhooks.Webhook
	state *state
}

// maxBody is more than a signal ever has.
const maxBody = 64 << 10

func (t taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	// The signature covers the bytes as they came, and a timestamp of the last 5 minutes.
	if err := t.hook.Verify(body, r.Header); err != nil {
		t.log.Warn("refused", "because", err)
		http.Error(w, "the signature does not fit", http.StatusUnauthorized)
		return
	}
	event := cloudevents.NewEvent()
	if err := event.UnmarshalJSON(body); err != nil {
		http.Error(w, "this is no CloudEvent", http.StatusBadRequest)
		return
	}
	fresh, err := t.state.take(event)
	if err != nil { // it is sent again
		t.log.Error("not kept", "id", event.ID(), "error", err)
		http.Error(w, "it cannot be kept", http.StatusInternalServerError)
		return
	}
	t.log.Info("taken", "id", event.ID(), "type", event.Type(), "fresh", fresh)
}

// readText reads a file that holds one line.
func readText(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}
