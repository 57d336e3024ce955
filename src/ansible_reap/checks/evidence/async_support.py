"""Action plugins that refuse ``async``. Written by tools/generate_async_support.py; do not edit."""

from __future__ import annotations

from collections.abc import Mapping

VERSIONS: tuple[str, ...] = ("2.16", "2.17", "2.18", "2.19", "2.20", "2.21", "2.22")
"""The versions of ansible-core that were read."""

BUILTIN: Mapping[str, tuple[str, ...]] = {
    "add_host": VERSIONS,
    "assemble": VERSIONS,
    "assert": VERSIONS,
    "async_status": VERSIONS,
    "copy": VERSIONS,
    "debug": VERSIONS,
    "fail": VERSIONS,
    "fetch": VERSIONS,
    "gather_facts": VERSIONS,
    "group_by": VERSIONS,
    "include_vars": VERSIONS,
    "pause": VERSIONS,
    "raw": VERSIONS,
    "reboot": ("2.17", "2.18", "2.19", "2.20", "2.21", "2.22"),
    "script": VERSIONS,
    "set_fact": VERSIONS,
    "set_stats": VERSIONS,
    "template": VERSIONS,
    "unarchive": VERSIONS,
    "validate_argument_spec": VERSIONS,
    "wait_for_connection": VERSIONS,
}
"""Action of ansible.builtin -> the versions of ansible-core that refuse it with ``async``."""

COLLECTIONS: Mapping[str, str] = {
    "ansible.netcommon.net_get": "8.7.1",
    "ansible.netcommon.net_put": "8.7.1",
    "ansible.netcommon.telnet": "8.7.1",
    "ansible.posix.patch": "2.2.2",
    "ansible.posix.synchronize": "2.2.2",
    "ansible.windows.win_copy": "3.8.0",
    "ansible.windows.win_template": "3.8.0",
    "azure.azcollection.azure_rm_arcssh": "3.21.0",
    "check_point.mgmt.cp_mgmt_access_layers": "6.9.0",
    "check_point.mgmt.cp_mgmt_access_rules": "6.9.0",
    "check_point.mgmt.cp_mgmt_hosts": "6.9.0",
    "check_point.mgmt.cp_mgmt_threat_layers": "6.9.0",
    "cisco.meraki.*": "2.25.1",
    "community.crypto.openssl_privatekey_pipe": "3.5.0",
    "community.sops.load_vars": "2.5.0",
    "community.windows.win_pssession_configuration": "3.3.0",
    "kubernetes.core.helm": "6.6.0",
    "kubernetes.core.helm_info": "6.6.0",
    "kubernetes.core.helm_plugin": "6.6.0",
    "kubernetes.core.helm_plugin_info": "6.6.0",
    "kubernetes.core.helm_repository": "6.6.0",
    "kubernetes.core.k8s": "6.6.0",
    "kubernetes.core.k8s_cluster_info": "6.6.0",
    "kubernetes.core.k8s_cp": "6.6.0",
    "kubernetes.core.k8s_drain": "6.6.0",
    "kubernetes.core.k8s_exec": "6.6.0",
    "kubernetes.core.k8s_info": "6.6.0",
    "kubernetes.core.k8s_json_patch": "6.6.0",
    "kubernetes.core.k8s_log": "6.6.0",
    "kubernetes.core.k8s_rollback": "6.6.0",
    "kubernetes.core.k8s_scale": "6.6.0",
    "kubernetes.core.k8s_service": "6.6.0",
    "splunk.es.*": "6.0.1",
}
"""Action of another collection that refuses ``async`` -> the version of the collection that was read.

``NAMESPACE.NAME.*`` is a collection all of whose modules and actions do, but for those in ACCEPTING.
"""

ACCEPTING: frozenset[str] = frozenset(
    [
        "cisco.meraki.meraki_action_batch",
        "cisco.meraki.meraki_admin",
        "cisco.meraki.meraki_alert",
        "cisco.meraki.meraki_config_template",
        "cisco.meraki.meraki_device",
        "cisco.meraki.meraki_firewalled_services",
        "cisco.meraki.meraki_management_interface",
        "cisco.meraki.meraki_mr_l3_firewall",
        "cisco.meraki.meraki_mr_l7_firewall",
        "cisco.meraki.meraki_mr_radio",
        "cisco.meraki.meraki_mr_rf_profile",
        "cisco.meraki.meraki_mr_settings",
        "cisco.meraki.meraki_mr_ssid",
        "cisco.meraki.meraki_ms_access_list",
        "cisco.meraki.meraki_ms_access_policies",
        "cisco.meraki.meraki_ms_l3_interface",
        "cisco.meraki.meraki_ms_link_aggregation",
        "cisco.meraki.meraki_ms_ospf",
        "cisco.meraki.meraki_ms_stack",
        "cisco.meraki.meraki_ms_stack_l3_interface",
        "cisco.meraki.meraki_ms_storm_control",
        "cisco.meraki.meraki_ms_switchport",
        "cisco.meraki.meraki_mx_content_filtering",
        "cisco.meraki.meraki_mx_intrusion_prevention",
        "cisco.meraki.meraki_mx_l2_interface",
        "cisco.meraki.meraki_mx_l3_firewall",
        "cisco.meraki.meraki_mx_l7_firewall",
        "cisco.meraki.meraki_mx_malware",
        "cisco.meraki.meraki_mx_nat",
        "cisco.meraki.meraki_mx_network_vlan_settings",
        "cisco.meraki.meraki_mx_site_to_site_firewall",
        "cisco.meraki.meraki_mx_site_to_site_vpn",
        "cisco.meraki.meraki_mx_static_route",
        "cisco.meraki.meraki_mx_third_party_vpn_peers",
        "cisco.meraki.meraki_mx_uplink_bandwidth",
        "cisco.meraki.meraki_mx_vlan",
        "cisco.meraki.meraki_network",
        "cisco.meraki.meraki_network_settings",
        "cisco.meraki.meraki_organization",
        "cisco.meraki.meraki_snmp",
        "cisco.meraki.meraki_syslog",
        "cisco.meraki.meraki_webhook",
        "cisco.meraki.meraki_webhook_payload_template",
        "cisco.meraki.networks_campus_gateway_clusters",
        "cisco.meraki.organizations_cellular_gateway_esims_swap",
    ]
)
