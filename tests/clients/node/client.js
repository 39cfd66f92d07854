'use strict';
// A module as its author wrote it years ago: everything that it knows of the gateway stands in its environment.
// Sends its first argument as one message, then says "sent"; or says "failed" with the SDK's own words.

const { Message, ModuleClient } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

async function main() {
  const client = await ModuleClient.fromEnvironment(Mqtt);
  console.log('trust bundle read');
  // The SDK would try for four minutes, which is longer than a test waits.
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 });
  await client.open();
  await client.sendEvent(new Message(process.argv[2]));
  console.log('sent');
  await client.close();
}

main().catch((error) => {
  console.log(`failed ${error.name}: ${error.message}`);
  for (const cause of [error.transportError, error.innerError, error.responseBody]) {
    if (cause) {
      console.log(`because ${cause.message || cause}`);
    }
  }
  process.exit(1);
});
