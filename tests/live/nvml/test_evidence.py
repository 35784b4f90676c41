"""What an audit is told of boards, through the real pynvml in the real child process."""

from dcctl.inventory.evidence.boards import Board, BoardLink
from dcctl.inventory.sources.nvml.evidence import boards_of, fabric_states, unanswered
from tests.live.nvml.conftest import Source


def _boards(source: Source, case: str) -> tuple[Board, ...]:
    return boards_of(source(case).read(), "g1")


def test_a_board_in_order_tells_all_that_an_audit_asks(source: Source) -> None:
    board = _boards(source, "h200_audit")[0]
    assert board.key == "g1/GPU-00000000-1111-2222-3333-444444444400"
    assert (board.ecc_enabled, board.ecc_pending, board.mig_enabled, board.mig_pending) == (
        True,
        True,
        False,
        False,
    )
    assert (board.ecc_uncorrected, board.ecc_corrected, board.remap_histogram) == (0, 12, (2560, 0, 0, 0, 0))
    assert (board.slowdown_c, board.memory_max_c, board.persistence) == (87, 95, True)
    assert (board.app_sm_clock_hz, board.default_sm_clock_hz) == (1_980_000_000, 1_980_000_000)
    assert (board.compute_mode, board.recovery_action, board.inforom_valid) == ("default", "none", True)
    assert (board.vbios, board.gsp) == ("96.00.A5.00.01", "560.35.03")
    assert board.violations_ns == {"power": 18446744073, "thermal": 0, "board_limit": 0, "reliability": 0}
    assert board.nvlinks is not None
    assert board.nvlinks[17] == BoardLink(
        17, up=True, speed_bps=26_562 * 8_000_000, crc=0, replays=0, recoveries=0
    )
    assert set(board.silent) == {"retired_pages", "retire_pending", "nvlink_domain"}
    assert {one.cause for one in board.silent.values()} == {"unsupported"}


def test_a_worn_board_tells_what_is_pending(source: Source) -> None:
    board = _boards(source, "h200_audit")[1]
    assert (board.ecc_pending, board.mig_pending, board.retire_pending, board.remap_pending) == (
        False,
        True,
        True,
        True,
    )
    assert (board.ecc_uncorrected, board.ecc_dram_uncorrected, board.ecc_sram_uncorrected) == (3, 1, 2)
    assert (board.inforom_valid, board.recovery_action, board.compute_mode) == (
        False,
        "drain_and_reset",
        "exclusive_process",
    )
    assert board.remap_histogram == (2558, 1, 0, 0, 1)


def test_links_and_the_fabric_one_by_one(source: Source) -> None:
    boards = _boards(source, "h200_audit")
    links = boards[2].nvlinks or ()
    assert [link.number for link in links if not link.up] == [3]
    assert links[5] == BoardLink(5, up=True, speed_bps=100_000_000_000, crc=91, replays=7, recoveries=2)
    assert fabric_states(boards) == {"completed": 3, "in_progress": 1}


def test_a_call_that_fails_is_unknown_alone(source: Source) -> None:
    board = _boards(source, "h200_audit")[3]
    causes = {name: board.silent[name].cause for name in ("inforom_valid", "compute_mode", "vbios")}
    assert causes == {"inforom_valid": "denied", "compute_mode": "denied", "vbios": "failed"}
    assert board.violations_ns == {"power": 18446744073, "board_limit": 0, "reliability": 0}
    assert (board.ecc_enabled, board.recovery_action, len(board.nvlinks or ())) == (True, "none", 18)


def test_lost_and_hanging_boards_are_named(source: Source) -> None:
    lost = source("gpu_lost").read()
    boards = boards_of(lost, "g1", ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0"))
    assert list(unanswered(lost, boards)) == ["GPU-00000001-58a1-7c8b-6f1e-0a9d3c5e7b00", "0000:03:00.0"]
    hung = source("gpu_hangs", deadline_s=4.0).read()
    found = unanswered(hung, boards_of(hung, "g1"))
    assert found == {"index 2": "NVML hung while it was read", "index 3": "was not read"}


def test_an_old_driver_has_less_to_tell_and_nothing_fails(source: Source) -> None:
    (board,) = _boards(source, "t4_few")
    assert {one.cause for one in board.silent.values()} == {"unsupported"}
    assert (board.nvlinks, board.ecc_enabled) == ((), False)
