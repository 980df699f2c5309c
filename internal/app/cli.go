package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"ganlin/internal/httpapi"
)

// The exit codes of every command.
const (
	exitDone        = 0
	exitCheckFailed = 1
	exitUsage       = 2
	exitOutOfReach  = 3
)

// An exitError ends the program with a code of its own. Without an err all that there is to say is printed already.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return "see above"
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return exitError{exitUsage, fmt.Errorf(format, args...)}
}

// errCheckFailed and errOutOfReach end a command whose findings are printed already.
var (
	errCheckFailed = exitError{code: exitCheckFailed}
	errOutOfReach  = exitError{code: exitOutOfReach}
)

// commands is the command line.
type commands struct {
	Demo        demoCommand        `cmd:"" help:"A simulated village in a dry season, everything embedded, pages on http://127.0.0.1:8080."`
	Serve       serveCommand       `cmd:"" help:"Production: takes readings as the configuration says."`
	Check       checkCommand       `cmd:"" help:"Validate configuration and registry: every problem with file:line:column."`
	Rules       rulesCommand       `cmd:"" help:"Rule files, and what they decided."`
	Explain     explainCommand     `cmd:"" help:"Say why an alert, an irrigation, a command or a clue was made."`
	Devices     devicesCommand     `cmd:"" help:"The registry's devices and their credentials."`
	Accounts    accountsCommand    `cmd:"" help:"Who may come in: people and programs, by role."`
	Stop        stopCommand        `cmd:"" help:"Emergency stop: close every valve and open none until resume."`
	Resume      resumeCommand      `cmd:"" help:"End the emergency stop."`
	Valves      valvesCommand      `cmd:"" help:"What a person says of a valve."`
	Deadletters deadLettersCommand `cmd:"" name:"deadletters" help:"What could not be read or stored, with the reason."`
	Losses      lossesCommand      `cmd:"" help:"Records that damage to the disk has taken from the journal."`
	Notify      notifyCommand      `cmd:"" help:"Messages to farmers: contacts, what was sent, a test."`
	Webhooks    webhooksCommand    `cmd:"" help:"Where signals are sent to."`
	Doctor      doctorCommand      `cmd:"" help:"Probe broker, journal, database, records and clock; say what each can and cannot keep."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// A console is where a command writes: results to out, all else to err.
type console struct {
	out, err io.Writer
	log      *slog.Logger
}

// Main runs the command named by args and returns the exit code.
func Main(args []string, out, errOut io.Writer) int {
	return mainWith(args, out, errOut, hooks{})
}

// gcPercent trades processor time for memory: a village's box has more of the
// former. GOGC overrides it.
const gcPercent = 40

// mainWith is Main with the hooks of a test.
func mainWith(args []string, out, errOut io.Writer, h hooks) int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, args, out, errOut, h)
}

// run runs one command.
func run(ctx context.Context, args []string, out, errOut io.Writer, h hooks) (code int) {
	var cli commands
	done := -1
	parser, err := kong.New(&cli, kong.Name("ganlin"),
		kong.Description("Ganlin 甘霖, timely rain: from a drying field to a helped household."),
		kong.Writers(out, errOut), kong.Exit(func(c int) { done = c }),
		kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(h),
		kong.Bind(console{out: out, err: errOut, log: slog.New(slog.NewTextHandler(errOut, nil))}))
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "ganlin:", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if done >= 0 { // --help has printed all there is to say
		return done
	}
	if err != nil {
		_, _ = fmt.Fprintf(errOut, "ganlin: %v; try ganlin --help\n", err)
		return exitUsage
	}
	err = parsed.Run()
	var coded exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &coded) && coded.err == nil:
		return coded.code
	case errors.As(err, &coded):
		_, _ = fmt.Fprintln(errOut, "ganlin:", httpapi.Plain(err))
		return coded.code
	default:
		_, _ = fmt.Fprintln(errOut, "ganlin:", httpapi.Plain(err))
		return exitCheckFailed
	}
}
