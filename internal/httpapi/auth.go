package httpapi

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// operator lets only the operator's bearer token through.
func (a api) operator(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(a.Token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, http.StatusUnauthorized, "unauthorized",
				"send the operator's token as Authorization: Bearer …; it is in operator.token in the data folder and in the file of --ready")
			return
		}
		next.ServeHTTP(w, r)
	})
}
