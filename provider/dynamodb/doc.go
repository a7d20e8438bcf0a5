// Package dynamodb is a provider that keeps records in a table of Amazon DynamoDB. Import
// it as dynamodbprovider, since the SDK's package is called dynamodb, too:
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	...
//	store := dynamodbprovider.New(dynamodb.NewFromConfig(cfg), "sessions")
//	if err := store.CreateTable(ctx); err != nil {
//		...
//	}
//
// Every call is one request: Fetch is a strongly consistent GetItem, Save a PutItem with
// a condition, and Delete a DeleteItem; List is a Scan for every MB. A conflict returns
// the current record in the response of the same request.
//
// # Client
//
// The client is made by the AWS SDK for Go v2 and may be shared. A call lasts as long as
// its context allows, because the SDK sets no limit for a whole request; it gives up
// dialing after 30 seconds. Package session limits each call by its StoreTimeout. The SDK
// keeps 10 idle connections. An app with more concurrent requests should raise that,
// because a new connection costs a TLS handshake:
//
//	httpClient := awshttp.NewBuildableClient().
//		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 2 * time.Second }).
//		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 100 })
//	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient))
//
// The SDK's default logger warns of a checksum that does not match ("failed to close HTTP
// response body") at every error response, and so at every conflict. The warning is
// harmless. To avoid it, set another logger in the config, or
// DisableValidateResponseChecksum of the client.
//
// For DynamoDB Local, 1.25 or later, set the endpoint. It requires a region and
// credentials, but any will do:
//
//	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
//		o.BaseEndpoint = aws.String("http://localhost:8000")
//	})
//
// # Retries
//
// The client decides how often and how fast requests are repeated: by default there are
// three attempts. Fetch is repeated after any temporary fault. Save and Delete are
// repeated only if DynamoDB has refused the request, and so certainly not executed it,
// because of throttling or of this machine's clock. A write that got no answer may still
// be executed, after the next one: package session determines its outcome.
//
// A write that found no credentials or no connection, and one that DynamoDB has answered
// with a status below 500, has certainly not been executed ([provider.ErrNotSaved],
// [provider.ErrRefused]).
//
// When the attempts are used up, the error says "throttled" and wraps the SDK's error
// (types.ThrottlingException and the like). A single item takes 1000 WCU a second, so an
// item of 4 KB can be written 250 times a second, whatever the table's capacity. The
// adaptive retry mode, once throttled, delays first attempts as well, including those to
// other tables: if you use it, give the provider its own client.
//
// # Table
//
// CreateTable creates the table. So do CloudFormation
//
//	Sessions:
//	  Type: AWS::DynamoDB::Table
//	  Properties:
//	    TableName: sessions
//	    BillingMode: PAY_PER_REQUEST
//	    KeySchema:
//	      - { AttributeName: id, KeyType: HASH }
//	    AttributeDefinitions:
//	      - { AttributeName: id, AttributeType: S }
//	    TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
//
// and Terraform:
//
//	resource "aws_dynamodb_table" "sessions" {
//	  name         = "sessions"
//	  billing_mode = "PAY_PER_REQUEST"
//	  hash_key     = "id"
//	  attribute {
//	    name = "id"
//	    type = "S"
//	  }
//	  ttl {
//	    attribute_name = "ttl"
//	    enabled        = true
//	  }
//	}
//
// Provisioned capacity, a customer managed key, deletion protection and tags make no
// difference to this package. A table that is restored from a backup brings back sessions
// that have ended since, including those of users who have logged out.
//
// The app needs these permissions and no others:
//
//	{
//	  "Version": "2012-10-17",
//	  "Statement": [{
//	    "Effect": "Allow",
//	    "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
//	    "Resource": "arn:aws:dynamodb:REGION:ACCOUNT:table/sessions"
//	  }]
//	}
//
// List needs dynamodb:Scan. That permission cannot be restricted to a [Prefix]: its owner
// can read the whole table, so grant it only to tools with a role of their own.
//
// CreateTable needs dynamodb:DescribeTable and dynamodb:DescribeTimeToLive, and if it has
// something to do, dynamodb:CreateTable and dynamodb:UpdateTimeToLive. This condition
// separates apps that share a table by [Prefix]:
//
//	"Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["shop/*"]}}
//
// # Costs
//
// The size of an item is that of the record's ID, Format and Data, and about 60 bytes
// more. These are the costs in capacity units of a provisioned table, which equal the
// request units of an on-demand table:
//
//	Fetch                  1 RCU for every 4 KB begun; 1 if there is no item
//	Save                   1 WCU for every KB begun, of the new item or the old, whichever is larger
//	Save that conflicts    1 WCU for every KB begun, of the item that is there; 1 if there is none
//	Delete                 1 WCU for every KB begun; 1 if there is no item
//	List                   1 RCU for every 4 KB of the whole table, whatever the prefix
//
// List reads consistently, because otherwise it might leave out records that have just
// been saved. It also pays for records that have expired but are not yet removed: a
// million sessions of 1 KB are 250,000 RCU, in a thousand requests. It uses as much of
// the table's capacity as it gets. If the capacity is provisioned, requests of the app
// may be throttled at the same time.
//
// Returning the item of a conflict costs nothing, and neither does removal by TTL. On the
// wire, each request has about 900 bytes in addition to the record, most of them its
// signature, and Data is a third longer in base64.
//
// The maximum size of an item is 400 KB, including the names of its attributes. A larger
// one is refused with provider.ErrTooLarge.
//
// # Messages between instances
//
// DynamoDB cannot broadcast: a stream of a table has at most two readers for each shard,
// and must be polled. The Provider is no provider.Broadcaster, and package session polls instead.
//
// # Expiry
//
// TTL removes items within days of their expiry, not at once. Until then they are stored
// and paid for, but every request of this package treats them as absent.
//
// DynamoDB's conditions do not know the time, so the clocks of the app's machines decide.
// Keep them synchronized: a clock that is ahead ends sessions early by the difference,
// and one that is behind ends them late. Save reads the clock once: if it is repeated
// after throttling, it uses the time of its first attempt.
//
// # What DynamoDB does not guarantee
//
// Within a Region it guarantees everything that package provider requires.
//
// A global table of the default kind, with eventual consistency (MREC), is not safe for
// writes in several Regions. Each Region evaluates a condition on its own replica, which
// is behind the others by about a second, and of two writes the later one wins silently:
// updates are lost, and a logout may be undone. Send all requests for a session to one
// Region. A failover to another Region loses changes that were not replicated yet.
//
// For a global table with strong consistency (MRSC), AWS guarantees that reads and
// conditions see the latest version in every Region. A write fails with
// ReplicatedWriteConflictException while another Region changes the same item; Save
// returns that as an error. Such a table cannot have TTL, so CreateTable fails, and
// expired records must be deleted by your own job. Holdfast is not tested with such a
// table.
//
// Do not use DAX: Fetch reads past its cache, and a conflict does not include the record,
// so a Save that is repeated after its answer was lost may deny a save that was stored.
// The same is true of DynamoDB Local before 1.25.
package dynamodb
