/*
 * A plugin for mosquitto that lets in who brings a SAS token as a password, and writes down what each brought, so that a
 * test sees the very token that went over the wire. Who brings no user name is left to the broker.
 *
 * Option: plugin_opt_file PATH, where each login becomes a line "client id TAB user name TAB password".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

static const char SAS_TOKEN[] = "SharedAccessSignature sr=";

static int out = -1;
static mosquitto_plugin_id_t *self;

static int on_login(int event, void *event_data, void *user_data) {
  const struct mosquitto_evt_basic_auth *login = event_data;
  (void)event;
  (void)user_data;
  if (login->username == NULL) {
    return MOSQ_ERR_PLUGIN_DEFER;
  }
  if (login->password == NULL || strncmp(login->password, SAS_TOKEN, sizeof SAS_TOKEN - 1) != 0) {
    return MOSQ_ERR_AUTH;
  }
  if (dprintf(out, "%s\t%s\t%s\n", mosquitto_client_id(login->client), login->username, login->password) < 0) {
    return MOSQ_ERR_UNKNOWN;
  }
  return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_version(int count, const int *versions) {
  for (int i = 0; i < count; i++) {
    if (versions[i] == MOSQ_PLUGIN_VERSION) {
      return MOSQ_PLUGIN_VERSION;
    }
  }
  return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **user_data, struct mosquitto_opt *options, int count) {
  (void)user_data;
  for (int i = 0; i < count; i++) {
    if (strcmp(options[i].key, "file") == 0) {
      out = open(options[i].value, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
  }
  if (out < 0) {
    return MOSQ_ERR_INVAL;
  }
  self = identifier;
  return mosquitto_callback_register(identifier, MOSQ_EVT_BASIC_AUTH, on_login, NULL, NULL);
}

int mosquitto_plugin_cleanup(void *user_data, struct mosquitto_opt *options, int count) {
  (void)user_data;
  (void)options;
  (void)count;
  close(out);
  return mosquitto_callback_unregister(self, MOSQ_EVT_BASIC_AUTH, on_login, NULL);
}
