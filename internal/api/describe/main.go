// Command describe prints the OpenAPI description of the API, without a server. The console's
// build makes its types of it.
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"clientele/internal/api"
)

func main() {
	a, err := api.New(api.Options{Version: "dev"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answer := httptest.NewRecorder()
	a.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	fmt.Println(answer.Body)
}
