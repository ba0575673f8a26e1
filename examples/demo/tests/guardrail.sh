. src/guardrails/kill_switch.sh

expect 'charges while the switch is off' yes "$(may_charge off)"
expect 'charges nobody once it is thrown' no "$(may_charge on)"
expect 'charges nobody when it cannot be read' no "$(may_charge '')"
