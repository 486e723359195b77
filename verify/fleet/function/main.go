// Command function serves the functions as the buildpack's main does: the one that
// FUNCTION_TARGET names, on PORT. It is what the tests of package fleet start.
package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "github.com/tidewire/tidewire/functions" // registers them
)

func main() {
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
