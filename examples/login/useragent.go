package main

import "strings"

// A browser names others in its User-Agent, to be served like them: Edge is a
// Chrome is a Safari, and Android is a Linux. So the first that fits is it.
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

// deviceName says in a few words what a User-Agent claims to be. None of its own
// words are used.
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
