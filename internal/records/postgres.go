package records

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const postgresMigrations = "migrations/postgres"

// writerLock is the advisory lock of the one program that writes, for as long as its connection lives: "ganlin" in ASCII.
const writerLock = 0x67616e6c696e

// Codes of PostgreSQL's errors.
const (
	invalidAuthorization  = "28000"
	invalidPassword       = "28P01"
	noSuchDatabase        = "3D000"
	insufficientPrivilege = "42501"
	readOnlyTransaction   = "25006"
	diskFull              = "53100"
	adminShutdown         = "57P01"
	crashShutdown         = "57P02"
	cannotConnectNow      = "57P03"
	undefinedTable        = "42P01"
	lockNotAvailable      = "55P03"
)

var (
	errNoURL = errors.New("it is no URL of a PostgreSQL database; write postgres://USER@HOST:PORT/DATABASE, with what is no letter or digit in a password as %XX")
	errTaken = errors.New("another ganlin process keeps its records in this database; end it, or use another database")
)

// IsPostgres reports whether a store is a PostgreSQL database and no file.
func IsPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// Name tells where a store is, without password.
func Name(where string) string {
	if !IsPostgres(where) {
		return where
	}
	c, err := parseURL(where)
	if err != nil {
		return "in PostgreSQL"
	}
	return fmt.Sprintf("%s at %s in PostgreSQL", c.Database, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))))
}

// parseURL never quotes the URL in an error: what cannot be read may be a password.
func parseURL(text string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(text)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return nil, errNoURL
	}
	c, err := pgx.ParseConfig(text)
	if err != nil {
		var inner error
		if failure, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
			inner = failure.Unwrap()
		}
		if inner == nil {
			return nil, errNoURL
		}
		return nil, inner
	}
	if !u.Query().Has("connect_timeout") {
		c.ConnectTimeout = busyTimeout
	}
	// A database that is gone without a word is noticed, on both sides, and its lock is free then.
	dialer := net.Dialer{Timeout: c.ConnectTimeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}
	c.DialFunc = dialer.DialContext
	maps.Copy(c.RuntimeParams, map[string]string{
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", "application_name": "ganlin",
	})
	if _, chosen := c.RuntimeParams["lock_timeout"]; !chosen {
		c.RuntimeParams["lock_timeout"] = strconv.FormatInt(busyTimeout.Milliseconds(), 10)
	}
	return c, nil
}

func (s *Store) openPostgres(ctx context.Context, where string) error {
	c, err := parseURL(where)
	if err != nil {
		return err
	}
	s.writer = postgresPool(c, 1, claim)
	if s.reader, err = lookIntoPostgres(where, 4); err != nil {
		return err
	}
	return s.writer.PingContext(ctx)
}

func lookIntoPostgres(where string, connections int) (*sql.DB, error) {
	c, err := parseURL(where)
	if err != nil {
		return nil, err
	}
	c.RuntimeParams["default_transaction_read_only"] = "on"
	return postgresPool(c, connections, func(context.Context, *pgx.Conn) error { return nil }), nil
}

func postgresPool(c *pgx.ConnConfig, connections int, greet func(context.Context, *pgx.Conn) error) *sql.DB {
	db := sql.OpenDB(postgresConnector{stdlib.GetConnector(*c), greet})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

// claim makes the writer's connection the only one, also when it is made anew after it was lost. What
// it finds decides whether a commit is on disk when it returns, and whether all text can be kept.
func claim(ctx context.Context, conn *pgx.Conn) error {
	for _, setting := range []struct{ name, want, why string }{
		{"fsync", "on", "a commit would not wait for the disk"},
		{"synchronous_commit", "on", "a commit would not wait for the disk"},
		{"server_encoding", "UTF8", "not all text could be kept"},
	} {
		var is string
		if err := conn.QueryRow(ctx, `SELECT current_setting($1)`, setting.name).Scan(&is); err != nil {
			return err
		}
		if is != setting.want && (setting.name != "synchronous_commit" || is == "off") {
			return fmt.Errorf("%s is %s in PostgreSQL, and %s; make it %s", setting.name, is, setting.why, setting.want)
		}
	}
	_, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(writerLock))
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok && failure.Code == lockNotAvailable {
		return errTaken
	}
	return err
}

// A postgresConnector makes connections of which each is greeted before it is used.
type postgresConnector struct {
	driver.Connector
	greet func(context.Context, *pgx.Conn) error
}

// Connect makes a connection.
func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := made.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("pgx made a connection of type %T", made)
	}
	if err := c.greet(ctx, conn.Conn()); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return postgresConn{conn}, nil
}

// A postgresConn is a connection that takes any text. PostgreSQL takes no NUL
// and only UTF-8, which what devices and strangers send need not be.
type postgresConn struct{ *stdlib.Conn }

// CheckNamedValue puts U+FFFD in the place of what PostgreSQL would refuse.
func (postgresConn) CheckNamedValue(v *driver.NamedValue) (err error) {
	if v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value); err != nil {
		return err
	}
	if text, ok := v.Value.(string); ok {
		v.Value = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	}
	return nil
}

// explainPostgres adds to what PostgreSQL says what a person can do about it.
func explainPostgres(err error) error {
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch failure.Code {
		case invalidPassword, invalidAuthorization:
			return fmt.Errorf("PostgreSQL lets nobody in by this name and password; look at records.url and records.password_file: %w", err)
		case noSuchDatabase:
			return fmt.Errorf("there is no such database in PostgreSQL; make it: %w", err)
		case insufficientPrivilege:
			return fmt.Errorf("the user of records.url may not do this; make it the owner of the database: %w", err)
		case undefinedTable:
			return ErrEmpty
		case readOnlyTransaction:
			return fmt.Errorf("the database takes no changes; name the server that does: %w", err)
		case adminShutdown, crashShutdown, cannotConnectNow:
			return fmt.Errorf("PostgreSQL is ending or starting; it goes on when it answers: %w", err)
		case diskFull:
			return fmt.Errorf("the disk of PostgreSQL is full; make room: %w", err)
		}
		return err
	}
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	_, broken := errors.AsType[*net.OpError](err)
	if refused || broken || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) {
		return fmt.Errorf("PostgreSQL is out of reach; it goes on when it answers: %w", err)
	}
	return err
}
