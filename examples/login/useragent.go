package main

import "strings"

// A browser includes the names of others in its User-Agent, to be served like them: Edge
// claims to be Chrome, Chrome to be Safari, and Android to be Linux. So the first match
// counts.
var (
	browsers = []trait{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"Chrome/", "Chrome"},
		{"CriOS/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = []trait{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"CrOS", "ChromeOS"},
		{"Macintosh", "Mac"},
		{"Linux", "Linux"},
	}
)

type trait struct{ mark, name string }

// deviceName describes in a few words what a User-Agent claims to be. It quotes nothing
// of it.
func deviceName(userAgent string) string {
	browser, system := nameOf(userAgent, browsers), nameOf(userAgent, systems)
	switch {
	case browser == "" && system == "":
		return "Unknown device"
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

func nameOf(userAgent string, traits []trait) string {
	for _, t := range traits {
		if strings.Contains(userAgent, t.mark) {
			return t.name
		}
	}
	return ""
}
