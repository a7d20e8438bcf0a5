package testserver

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// DynamoDB starts a DynamoDB Local that keeps its data on disk.
func DynamoDB(tb testing.TB) *Server {
	tb.Helper()
	servers, err := startDynamoDB("-dbPath", ".")
	return own(tb, servers, err)[0]
}

// SharedDynamoDB returns the endpoint of a shared DynamoDB Local, which accepts any
// credentials and region.
func SharedDynamoDB(tb testing.TB) string {
	tb.Helper()
	if endpoint := os.Getenv("HOLDFAST_TEST_DYNAMODB_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	servers, err := sharedDynamoDB()
	require(tb, err)
	return servers[0].URL
}

var sharedDynamoDB = once(func() ([]*Server, error) { return startDynamoDB("-inMemory") })

func startDynamoDB(storage ...string) ([]*Server, error) {
	java, jars, err := findDynamoDB()
	if err != nil {
		return nil, err
	}
	s, err := start(kind{
		name: "dynamodb",
		url:  "http://%s",
		command: func(_, port string) *exec.Cmd {
			return exec.Command(java, append([]string{
				// A server that lives for seconds starts faster without the second compiler.
				"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m",
				"-Djava.library.path=" + filepath.Join(jars, "DynamoDBLocal_lib"),
				"-jar", filepath.Join(jars, "DynamoDBLocal.jar"),
				"-port", port, "-sharedDb", "-disableTelemetry",
			}, storage...)...)
		},
		ready: accepts, // it logs nothing when it is ready
	})
	return []*Server{s}, err
}

// findDynamoDB returns the java program and the folder that .ci/install puts
// DynamoDB Local into.
func findDynamoDB() (java, jars string, err error) {
	jars = os.Getenv("HOLDFAST_TEST_DYNAMODB_JAR_DIR")
	if jars == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", "", err
		}
		jars = filepath.Join(cache, "holdfast", "dynamodb-local")
	}
	java, err = exec.LookPath("java")
	if err == nil {
		_, err = os.Stat(filepath.Join(jars, "DynamoDBLocal.jar"))
	}
	if err != nil {
		err = missing("install a Java runtime and DynamoDB Local (.ci/install does), name the folder of DynamoDBLocal.jar in HOLDFAST_TEST_DYNAMODB_JAR_DIR or set HOLDFAST_TEST_DYNAMODB_ENDPOINT")
	}
	return java, jars, err
}

func accepts(addr string, _ []byte) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
