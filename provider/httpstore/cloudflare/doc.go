// Package cloudflare has tests only. Beside it is a Worker for Cloudflare that keeps
// records in Durable Objects, and is a server for provider/httpstore; docs/cloudflare.md
// says how to deploy it. The tests run it in workerd, Cloudflare's runtime.
package cloudflare
