package testserver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

// put keeps one value at the server, get reads it.

func redisPut(s *testserver.Server, value string) error {
	_, err := testserver.RedisCommand(s.Addr, "SET key "+value)
	return err
}

func redisGet(s *testserver.Server) (string, error) {
	return testserver.RedisCommand(s.Addr, "GET key")
}

func postgresPut(s *testserver.Server, value string) error {
	return withPostgres(s, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS pairs AS SELECT ''::text AS value")
		if err == nil {
			_, err = conn.Exec(ctx, "UPDATE pairs SET value = $1", value)
		}
		return err
	})
}

func postgresGet(s *testserver.Server) (value string, err error) {
	err = withPostgres(s, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT value FROM pairs").Scan(&value)
	})
	return value, err
}

func withPostgres(s *testserver.Server, f func(context.Context, *pgx.Conn) error) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return f(ctx, conn)
}

func mariaDBPut(s *testserver.Server, value string) error {
	_, err := mariaDB(s, "CREATE TABLE IF NOT EXISTS pairs (name CHAR(3) PRIMARY KEY, value TEXT); REPLACE INTO pairs VALUES ('key', '"+value+"')")
	return err
}

func mariaDBGet(s *testserver.Server) (string, error) {
	return mariaDB(s, "SELECT value FROM pairs")
}

// mariaDB runs SQL with the client that comes with the server: the root module has no
// driver.
func mariaDB(s *testserver.Server, sql string) (string, error) {
	host, port, _ := net.SplitHostPort(s.Addr)
	out, err := exec.Command("mariadb", "--no-defaults", "--host="+host, "--port="+port, "--user=root", "--skip-column-names", "holdfast", "--execute="+sql).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), err
}

func dynamoPut(s *testserver.Server, value string) error {
	_, err := dynamo(s, "CreateTable", `{"TableName":"pairs","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"key","KeyType":"HASH"}],
		"AttributeDefinitions":[{"AttributeName":"key","AttributeType":"S"}]}`)
	if err != nil && !strings.Contains(err.Error(), "ResourceInUseException") {
		return err
	}
	_, err = dynamo(s, "PutItem", fmt.Sprintf(`{"TableName":"pairs","Item":{"key":{"S":"key"},"value":{"S":%q}}}`, value))
	return err
}

func dynamoGet(s *testserver.Server) (string, error) {
	body, err := dynamo(s, "GetItem", `{"TableName":"pairs","Key":{"key":{"S":"key"}}}`)
	if err != nil {
		return "", err
	}
	var reply struct {
		Item struct{ Value struct{ S string } }
	}
	err = json.Unmarshal(body, &reply)
	return reply.Item.Value.S, err
}

func dynamo(s *testserver.Server, target, request string) ([]byte, error) {
	req, err := http.NewRequest("POST", s.URL, strings.NewReader(request))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+target)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20200101/any/dynamodb/aws4_request, SignedHeaders=host, Signature=any")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// etcdPut and etcdGet speak JSON to etcd's gateway, which takes keys and values in
// base64.
func etcdPut(s *testserver.Server, value string) error {
	_, err := etcdCall(s, "put", map[string]string{"key": in64("key"), "value": in64(value)})
	return err
}

func etcdGet(s *testserver.Server) (string, error) {
	body, err := etcdCall(s, "range", map[string]string{"key": in64("key")})
	if err != nil {
		return "", err
	}
	var reply struct{ Kvs []struct{ Value []byte } }
	if err := json.Unmarshal(body, &reply); err != nil || len(reply.Kvs) != 1 {
		return "", fmt.Errorf("the reply is %q: %w", body, err)
	}
	return string(reply.Kvs[0].Value), nil
}

func in64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func etcdCall(s *testserver.Server, verb string, request any) ([]byte, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	resp, err := http.Post("http://"+s.Addr+"/v3/kv/"+verb, "application/json", bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

func httpPut(s *testserver.Server, value string) error {
	p, err := httpstore.New(s.URL+"/test", httpstore.Options{Token: testserver.HTTPStoreToken})
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Save(context.Background(), &provider.Record{ID: "key", Version: 1, Data: []byte(value)}, -1)
}

func httpGet(s *testserver.Server) (string, error) {
	p, err := httpstore.New(s.URL+"/test", httpstore.Options{Token: testserver.HTTPStoreToken})
	if err != nil {
		return "", err
	}
	defer p.Close()
	rec, err := p.Fetch(context.Background(), "key")
	if err != nil {
		return "", err
	}
	return string(rec.Data), nil
}

// natsPut and natsGet speak the text protocol of NATS. The value is that of a stream's only
// subject.
func natsPut(s *testserver.Server, value string) error {
	_, err := natsCall(s, "$JS.API.STREAM.CREATE.pairs", `{"name":"pairs","subjects":["pairs"],"storage":"file","num_replicas":1}`)
	if err == nil {
		_, err = natsCall(s, "pairs", value)
	}
	return err
}

func natsGet(s *testserver.Server) (string, error) {
	body, err := natsCall(s, "$JS.API.STREAM.MSG.GET.pairs", `{"last_by_subj":"pairs"}`)
	if err != nil {
		return "", err
	}
	var reply struct{ Message struct{ Data []byte } }
	err = json.Unmarshal(body, &reply)
	return string(reply.Message.Data), err
}

// natsCall sends a request and returns the reply.
func natsCall(s *testserver.Server, subject, request string) ([]byte, error) {
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "CONNECT {\"verbose\":false}\r\nSUB reply 1\r\nPUB %s reply %d\r\n%s\r\n", subject, len(request), request)
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "MSG" {
			continue // INFO and PING
		}
		size, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return nil, err
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		if bytes.Contains(body, []byte(`"error"`)) {
			return nil, fmt.Errorf("%s: %s", subject, body)
		}
		return body, nil
	}
}
