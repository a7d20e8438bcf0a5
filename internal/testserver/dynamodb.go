package testserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// DynamoDB starts a DynamoDB Local that keeps its data on disk.
func DynamoDB(tb testing.TB) *Server {
	tb.Helper()
	servers, err := startDynamoDB(".")
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

var sharedDynamoDB = once(func() ([]*Server, error) { return startDynamoDB("") })

// DynamoDB Local's own main class has no option for the address, and listens on all
// interfaces. These settings of its HTTP server, Jetty, put the same parts together. The
// arguments of the request handler are the first shard's number, -inMemory, -dbPath,
// -sharedDb and -delayTransientStatuses; that of the server handler is -cors.
// https://jetty.org/docs/jetty/9/index.html
const dynamoDBSettings = `<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "http://www.eclipse.org/jetty/configure_9_3.dtd">
<Configure id="server" class="org.eclipse.jetty.server.Server">
	<Call name="addConnector">
		<Arg>
			<New class="org.eclipse.jetty.server.ServerConnector">
				<Arg name="server"><Ref refid="server"/></Arg>
				<Set name="host">127.0.0.1</Set>
				<Set name="port">%s</Set>
			</New>
		</Arg>
	</Call>
	<Set name="handler">
		<New class="com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler">
			<Arg>
				<New class="com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler">
					<Arg type="int">0</Arg>
					<Arg type="boolean">%t</Arg>
					<Arg>%s</Arg>
					<Arg type="boolean">true</Arg>
					<Arg type="boolean">false</Arg>
				</New>
			</Arg>
			<Arg type="String"/>
		</New>
	</Set>
</Configure>
`

// startDynamoDB starts a DynamoDB Local with its data in that folder, or in memory if
// folder is "".
func startDynamoDB(folder string) ([]*Server, error) {
	java, jars, err := findDynamoDB()
	if err != nil {
		return nil, err
	}
	library := filepath.Join(jars, "DynamoDBLocal_lib")
	s, err := start(kind{
		name: "dynamodb",
		url:  "http://%s",
		command: func(dir, port string) *exec.Cmd {
			return exec.Command(java,
				// A server that lives for seconds starts faster without the second compiler.
				"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m",
				"-Djava.library.path="+library,
				"-classpath", filepath.Join(jars, "DynamoDBLocal.jar")+string(filepath.ListSeparator)+filepath.Join(library, "*"),
				"org.eclipse.jetty.xml.XmlConfiguration",
				writeConfig(dir, fmt.Sprintf(dynamoDBSettings, port, folder == "", folder)))
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
