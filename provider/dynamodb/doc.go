// Package dynamodb is a provider that keeps records in a table of Amazon
// DynamoDB. Import it as dynamodbprovider, since the SDK's package is called
// dynamodb, too:
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	...
//	store := dynamodbprovider.New(dynamodb.NewFromConfig(cfg), "sessions")
//	if err := store.CreateTable(ctx); err != nil {
//		...
//	}
//
// Every call is one request: Fetch a strongly consistent GetItem, Save a PutItem
// with a condition, Delete a DeleteItem; List is a Scan for every MB. A conflict comes with the record that
// won, in the answer of the same request.
//
// # Client
//
// The client is made by the AWS SDK for Go v2 and may be shared. A call lasts as
// long as its context allows, for the SDK sets no limit to a whole request; it
// gives up dialing after 30 seconds. Package session bounds each call by its
// StoreTimeout. The SDK keeps 10 idle connections. An app with more requests at a
// time should raise that, as a new connection costs a TLS handshake:
//
//	httpClient := awshttp.NewBuildableClient().
//		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 2 * time.Second }).
//		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 100 })
//	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient))
//
// The SDK's default logger warns of a checksum that does not match ("failed to close
// HTTP response body") at every answer that is an error, and so at every conflict. It
// means nothing: give the config another logger, or the client
// DisableValidateResponseChecksum.
//
// For DynamoDB Local, 1.25 or later, set the endpoint. It wants some region and
// credentials, but any will do:
//
//	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
//		o.BaseEndpoint = aws.String("http://localhost:8000")
//	})
//
// # Retries
//
// How often and how fast requests are repeated is the client's to say: by default
// there are three attempts. Fetch is repeated after any passing fault; Save and
// Delete only if DynamoDB has refused the request, and so certainly not carried it
// out, because of throttling or of this machine's clock. A write that got no
// answer may yet land, after the next one: package session finds out what became
// of it.
//
// A write that found no credentials or no connection, and one that DynamoDB has
// answered with a status below 500, has certainly not been carried out
// ([provider.ErrNotSaved], [provider.ErrRefused]).
//
// When the attempts are used up, the error says "throttled" and wraps the SDK's
// (types.ThrottlingException and the like). A single item takes 1000 WCU a second,
// so that one of 4 KB can be written 250 times, whatever the table's capacity. The
// adaptive retry mode, once throttled, holds back first attempts as well, those to
// other tables, too: give the provider a client of its own if you use it.
//
// # Table
//
// CreateTable makes the table. So do CloudFormation
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
// Provisioned capacity, a customer managed key, deletion protection or tags make no
// difference to this package. A table that is restored from a backup brings back
// sessions that were ended since, those of users who have logged out among them.
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
// List needs dynamodb:Scan. That cannot be kept to a [Prefix]: who has it reads the
// whole table, so leave it to tools with a role of their own.
//
// CreateTable needs dynamodb:DescribeTable and dynamodb:DescribeTimeToLive, and
// where there is something to do, dynamodb:CreateTable and
// dynamodb:UpdateTimeToLive. Apps that share a table by [Prefix] are kept apart by
//
//	"Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["shop/*"]}}
//
// # Costs
//
// An item counts as many bytes as the record's ID, Format and Data have, and
// about 60 more. In capacity units of a provisioned table, which are the request
// units of one on demand:
//
//	Fetch                  1 RCU for every 4 KB begun; 1 if there is no item
//	Save                   1 WCU for every KB begun, of the new item or the old, whichever is larger
//	Save that conflicts    1 WCU for every KB begun, of the item that is there; 1 if there is none
//	Delete                 1 WCU for every KB begun; 1 if there is no item
//	List                   1 RCU for every 4 KB of the whole table, whatever the prefix
//
// List reads consistently, for else it might leave out what has just been saved. It
// pays for what has expired and is not removed yet, too: a million sessions of 1 KB
// are 250,000 RCU, in a thousand requests. It takes what the table's capacity lets it,
// with requests of the app beside it throttled where that is provisioned.
//
// That a conflict brings the item along costs nothing, and neither does what TTL
// removes. On the wire, each request has about 900 bytes besides the record, most
// of them its signature, and Data is a third longer in base64.
//
// An item has 400 KB at most, with the names of its attributes. A larger one is
// refused with provider.ErrTooLarge.
//
// # Expiry
//
// TTL removes items within days of their expiry, not at once. Until then they are
// there and are paid for, but every request of this package takes them for absent.
//
// What time it is DynamoDB does not tell its conditions, so the clocks of the
// app's machines decide. Keep them synchronized: one that is ahead ends sessions
// early by as much, and one that is behind late. Save takes the time once: one
// that is repeated after throttling goes by that of its first attempt.
//
// # What DynamoDB does not promise
//
// Within a Region it promises all that package provider asks for.
//
// A global table of the default kind, with eventual consistency (MREC), is not
// safe to be written to in several Regions. Each decides a condition by its own
// replica, which is behind the others by about a second, and of two writes the
// later one wins without a word: updates are lost, and a logout may be undone.
// Send all requests for a session to one Region. Failing over to another loses
// what was not replicated yet.
//
// Of a global table with strong consistency (MRSC), AWS promises that reads and
// conditions see the latest version in every Region. A write fails with
// ReplicatedWriteConflictException while another Region changes the same item;
// Save returns that as an error. Such a table cannot have TTL, so CreateTable fails
// and a job of your own has to delete what has expired. Holdfast is not tested
// with one.
//
// Do not use DAX: Fetch reads past its cache, and a conflict comes without the
// record, so that Save, made again after its answer was lost, may deny a save that
// has landed. The same goes for DynamoDB Local before 1.25.
package dynamodb
