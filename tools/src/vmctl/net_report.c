// SPDX-License-Identifier: GPL-2.0-only
/* Network cards as JSON for the control socket. */
#include "tools/src/vmctl/net_report.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/virtio_attach.h"

#include <linux/virtio_ids.h>
#include <stdio.h>

static json_t *describe(const struct rd_net_config *c, const struct rd_net_info *info)
{
	char mac[3 * RD_NET_MAC_LEN], backend[IFNAMSIZ + 8] = "user";

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", c->mac[0], c->mac[1],
		 c->mac[2], c->mac[3], c->mac[4], c->mac[5]);
	if (c->kind == RD_NET_TAP)
		snprintf(backend, sizeof(backend), "tap:%s", c->ifname);
	return json_pack("{s:s, s:s, s:s, s:b, s:b}", "backend", backend, "mac", mac, "link",
			 info->link ? "up" : "down", "driver", info->driver, "vhost", info->vhost);
}

static json_t *count(const struct rd_net_counters *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rx_frames",
			 (json_int_t)c->rx_frames, "rx_bytes", (json_int_t)c->rx_bytes,
			 "rx_dropped", (json_int_t)c->rx_dropped, "tx_frames",
			 (json_int_t)c->tx_frames, "tx_bytes", (json_int_t)c->tx_bytes,
			 "tx_dropped", (json_int_t)c->tx_dropped);
}

json_t *rd_net_report(const struct rd_machine *m, bool counters)
{
	json_t *list = json_array();
	unsigned int card = 0;

	/* Cards come in the order of the configuration. */
	for (unsigned int i = 0; i < m->n_virtio && card < m->config->n_nets; i++) {
		struct rd_virtio *v = &m->virtio[i]->v;
		struct rd_net_info info;
		char name[32];
		json_t *o;

		if (v->ops->id != VIRTIO_ID_NET)
			continue;
		rd_net_info(v, &info);
		snprintf(name, sizeof(name), "%s.%u", v->ops->name, m->virtio[i]->pci.pci.slot);
		o = counters ? count(&info.counters) : describe(&m->config->nets[card], &info);
		json_object_set_new(o, "device", json_string(name));
		json_array_append_new(list, o);
		card++;
	}
	return list;
}

bool rd_net_isolate(const struct rd_machine *m, bool cut)
{
	bool done = true;

	for (unsigned int i = 0; i < m->n_virtio; i++)
		if (m->virtio[i]->v.ops->id == VIRTIO_ID_NET)
			done = rd_net_cut(&m->virtio[i]->v, cut) && done;
	return done;
}
