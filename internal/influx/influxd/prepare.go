package influxd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"ganlin/internal/influx"
)

// prepare makes the user and the database, each if it is missing. While there
// is no user, 1.8 accepts one statement: the creation of an administrator.
func prepare(ctx context.Context, e influx.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	client := influx.NewClient(e.Fixed(), nil)
	defer client.Close()
	create := "CREATE DATABASE " + influx.Ident(Database)
	err := client.Exec(ctx, create)
	refusal, ok := errors.AsType[*influx.StatusError](err)
	if ok && refusal.Status == http.StatusForbidden {
		name, password, _ := strings.Cut(e.Token, ":")
		err = client.Exec(ctx, "CREATE USER "+influx.Ident(name)+" WITH PASSWORD "+influx.String(password)+" WITH ALL PRIVILEGES")
		if err == nil {
			err = client.Exec(ctx, create)
		}
	}
	if ok && refusal.Status == http.StatusUnauthorized {
		return fmt.Errorf("preparing the database: the file token does not hold its password: %w", err)
	}
	if err != nil {
		return fmt.Errorf("preparing the database: %w", err)
	}
	return nil
}
