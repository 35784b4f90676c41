"""`dcctl drain`: out of service without breaking a training run. Decisions are pure; `act` alone acts."""
