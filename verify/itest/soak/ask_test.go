package soak_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
)

// verdict is what an answer says about a change.
type verdict int

const (
	nonsense verdict = iota
	done
	refused
	unknown
)

type answer struct {
	page
	verdict verdict
	status  int
	text    string
}

// ask sends a request to one of the instances, and takes the cookie of its answer.
func (l *life) ask(verb, token string) (got answer) {
	began := time.Now()
	defer func() {
		l.Took(time.Since(began))
		l.log.add(began, "%s %s: %d %.200q, owner %q", verb, token, got.status, got.text, got.Owner)
	}()
	status, body, cookie, err := l.send(verb, token)
	got = answer{status: status, text: string(body)}
	switch {
	case err != nil:
		l.Problem("%s: %v", verb, err)
	case status == http.StatusOK && json.Unmarshal(body, &got.page) == nil:
		got.verdict = done
		l.verbs.add(verb)
		l.checkOwner(verb, got)
	case (status == 409 || status == 503) && got.text == saidRefused && cookie == nil:
		got.verdict = refused
	case status == 503 && got.text == saidUnknown && cookie == nil:
		got.verdict = unknown
	default:
		l.Problem("%s: answer %d %q with cookie %t", verb, status, body, cookie != nil)
	}
	if cookie != nil && cookie.MaxAge >= 0 {
		l.cookie = cookie
	}
	return got
}

// checkOwner wants the session to be the visitor's own.
func (l *life) checkOwner(verb string, got answer) {
	switch {
	case got.Owner == l.name, verb == "begin" && got.Owner == "":
	case got.Owner != "":
		l.Problem("%s: the session of another visitor", verb)
	case verb != "read" && verb != "destroy":
		l.Problem("%s: the session is gone", verb)
	}
}

func (l *life) send(verb, token string) (status int, body []byte, cookie *http.Cookie, err error) {
	method := "POST"
	if verb == "read" {
		method = "GET"
	}
	at := l.instances[l.next.Add(1)%int64(len(l.instances))].server.URL
	req, err := http.NewRequest(method, at+"/"+verb+"?token="+url.QueryEscape(token), nil)
	if err != nil {
		return 0, nil, nil, err
	}
	if l.patient {
		req.Header.Set(patiently, "yes")
	}
	if l.cookie != nil {
		req.AddCookie(l.cookie)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	if cookies := resp.Cookies(); len(cookies) > 0 {
		cookie = cookies[0]
	}
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, cookie, err
}
